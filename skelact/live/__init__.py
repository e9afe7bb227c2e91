"""Cameras and streams, predicted as they go."""
