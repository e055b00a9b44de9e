"""The report: one page of HTML that holds everything it needs."""
