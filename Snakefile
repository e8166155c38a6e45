# Everything that the profile in params.yaml has:  snakemake --cores all --resources gpu=4
# Another profile:                                 snakemake --cores all --config profile=demo
# One result and what it needs:                    snakemake --cores all table1
from snakemake.utils import min_version

min_version("9.25")


configfile: "params.yaml"


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
