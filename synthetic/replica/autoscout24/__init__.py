"""The replica's AutoScout24: robots.txt, searches, offers and pictures."""

from synthetic.replica.autoscout24.fault_switches import PAGE_FAULTS, PHOTO_FAULTS

__all__ = ["PAGE_FAULTS", "PHOTO_FAULTS"]
