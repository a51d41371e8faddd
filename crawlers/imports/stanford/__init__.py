"""Stanford Cars, in each of the layouts in which it is passed on."""
