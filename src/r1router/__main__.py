"""Runs the command line as `python -m r1router`, because a script folder is not always on the path."""

from r1router.cli import main

if __name__ == "__main__":
    main()
