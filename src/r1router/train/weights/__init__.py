"""Loads the weights that training starts from, and exports the trained ones in the forms that are served."""
