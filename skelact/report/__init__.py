"""A prediction as one page to look at, without a network."""

from skelact.report.page import write_report

__all__ = ["write_report"]
