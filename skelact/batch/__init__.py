"""Keypoints of many videos: what to do, each video once, in several processes or on several machines."""
