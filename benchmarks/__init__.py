"""What is measured, and the pages in docs/ that the measurements write."""
