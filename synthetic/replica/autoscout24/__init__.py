"""AutoScout24 as the replica plays it: robots.txt, searches, offers and pictures."""

from synthetic.replica.autoscout24.fault_switches import PAGES, PHOTOS

__all__ = ["PAGES", "PHOTOS"]
