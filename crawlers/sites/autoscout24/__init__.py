"""AutoScout24: offers of cars for sale, in several countries."""
