"""A replica of the sites on this machine: real HTTP, rendered scenes, invented facts, and switches
for faults of the sites. Start reading at `server` and `world`."""
