"""A replica of the sites on this machine: real HTTP, rendered scenes, invented facts, and a switch
for everything that can go wrong."""
