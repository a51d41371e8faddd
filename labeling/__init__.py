"""What sources, networks and people say is in a photo."""
