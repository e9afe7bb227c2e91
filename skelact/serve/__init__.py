"""A page and an interface to predict uploaded videos."""
