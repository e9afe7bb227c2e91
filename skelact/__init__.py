"""skelact turns raw video into predicted human actions."""

__version__ = "0.1.0"
