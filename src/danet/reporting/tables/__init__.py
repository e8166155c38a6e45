"""The paper's five tables with our numbers beside the paper's; ``assembly.write_table`` writes one."""
