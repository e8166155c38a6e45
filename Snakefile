# Everything that the profile in params.yaml has:  snakemake --cores all --resources gpu=4
# Another profile, or the other recipe:            snakemake --cores all --config profile=demo
#                                                  snakemake --cores all --config recipe=released_code
# One result and what it needs:                    snakemake table1 --cores all --resources gpu=4
# All that one data set gives:                     snakemake cityscapes --cores all --resources gpu=4
# Targets come first: --resources and --config take everything behind them for a value.
from snakemake.utils import min_version

min_version("9.25")


include: "workflow/rules/settings.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/runs.smk"
include: "workflow/rules/paper.smk"


rule all:
    default_target: True
    input:
        TABLES,
        FIGURES,
        REPORT,
