"""A prediction as one page to look at, without a network."""
