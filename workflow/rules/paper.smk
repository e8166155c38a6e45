TABLES = collect("<results>/tables/{table}.{suffix}", table=PROFILE.tables, suffix=["tex", "csv", "md"])
FIGURES = collect(
    "<results>/figures/{figure}.{suffix}", figure=PROFILE.figures, suffix=["pdf", "png", "json"]
)
REPORT = "<results>/report.html"


rule table:
    input:
        evaluations=table_evaluations,
        published="src/danet/reporting/published.yaml",
    output:
        multiext("<results>/tables/{table}", ".tex", ".csv", ".md"),
    log:
        "<logs>/table/{table}.log",
    params:
        settings=table_settings,
    message:
        "write {wildcards.table}"
    shell:
        "danet table {wildcards.table} --profile {config[profile]} --recipe {config[recipe]} &> {log}"


rule figure:
    input:
        networks=figure_networks,
        data=collect("<data>/{dataset}/prepared/val/index.json", dataset=PLAN.datasets[0]),
    output:
        multiext("<results>/figures/{figure}", ".pdf", ".png", ".json"),
    log:
        "<logs>/figure/{figure}.log",
    resources:
        gpu=1,
        mem_mb=16000,
        runtime="1h",
    params:
        settings=figure_settings,
    message:
        "draw {wildcards.figure}"
    shell:
        "danet figure {wildcards.figure} --profile {config[profile]} --recipe {config[recipe]} &> {log}"


rule report:
    input:
        tables=TABLES,
        figures=FIGURES,
        evaluations=files_of(PLAN.evaluations),
        runs=collect(
            "<results>/runs/{experiment}/seed{seed}/run.json",
            experiment=PLAN.experiments,
            seed=PARAMS.seeds,
        ),
    output:
        REPORT,
    log:
        "<logs>/report.log",
    message:
        "write the report"
    shell:
        "danet report --profile {config[profile]} --recipe {config[recipe]} &> {log}"


# A target for each table, and one for all figures: snakemake --cores all table1
for name in PROFILE.tables:

    rule:
        name:
            name
        input:
            multiext(f"<results>/tables/{name}", ".tex", ".csv", ".md"),
        localrule: True


rule figures:
    input:
        FIGURES,
    localrule: True
