"""What happens to a listing once it is read: it is checked, its photos are fetched, it is kept."""
