"""Makes and holds training steps: the single decisions of a trajectory, with what would have been right."""
