"""Labelled data: what goes in, what should come out, and which part of it is for training."""
