"""The report: one page with everything that a profile produced; ``report.write_report`` writes it."""
