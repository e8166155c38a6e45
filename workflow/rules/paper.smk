TABLES = collect("<results>/tables/{table}.{suffix}", table=PLAN.tables, suffix=["tex", "csv", "md"])
FIGURES = collect("<results>/figures/{figure}.{suffix}", figure=PLAN.figures, suffix=["pdf", "png", "json"])
REPORT = "<results>/report.html"


rule table:
    input:
        basis="<basis>/table-{table}",
        evaluations=table_evaluations,
        published=ancient("src/danet/reporting/tables/published.yaml"),
    output:
        update(multiext("<results>/tables/{table}", ".tex", ".csv", ".md")),
    log:
        "<logs>/table/{table}.log",
    message:
        "write {wildcards.table}"
    shell:
        "danet table {wildcards.table} --profile {config[profile]} --recipe {config[recipe]} &> {log}"


# One job draws all figures of a data set.
for dataset, names in figures_drawn_together().items():

    rule:
        name:
            f"figures_of_{dataset}"
        input:
            basis=collect("<basis>/figure-{figure}", figure=names),
            networks=figure_networks(names),
            data=f"<data>/{dataset}/prepared/val/index.json",
        output:
            update(
                collect("<results>/figures/{figure}.{suffix}", figure=names, suffix=["pdf", "png", "json"])
            ),
        log:
            f"<logs>/figures_of_{dataset}.log",
        # Before the networks that no figure shows: nothing else would be left to do beside it.
        priority: 1
        resources:
            gpu=shared_gpus,
            mem_mb=16000,
            runtime="1h",
        params:
            figures=" ".join(names),
        message:
            "draw {params.figures}"
        shell:
            "danet figure {params.figures} --profile {config[profile]} --recipe {config[recipe]} &> {log}"


rule report:
    input:
        basis="<basis>/report",
        tables=TABLES,
        figures=FIGURES,
        evaluations=files_of(PLAN.evaluations),
        runs=collect(
            "<results>/runs/{experiment}/seed{seed}/{file}",
            file=["run.json", "metrics.jsonl"],
            experiment=PLAN.experiments,
            seed=PLAN.seeds,
        ),
    output:
        update(REPORT),
    log:
        "<logs>/report.log",
    message:
        "write the report"
    shell:
        "danet report --profile {config[profile]} --recipe {config[recipe]} &> {log}"


# What the Cityscapes server scores; in no other target, since it needs an account there.
if submits(PLAN):

    rule submit:
        input:
            receipt="<data>/cityscapes/receipt.json",
            network=f"<results>/runs/{SUBMITTED}/seed{PLAN.seeds[0]}/final.pth",
        output:
            "<results>/submission/cityscapes_test.zip",
        log:
            "<logs>/submission.log",
        resources:
            gpu=1,
            mem_mb=16000,
            runtime="1d",
        message:
            "predict the test images"
        shell:
            "danet submit --profile {config[profile]} --recipe {config[recipe]} &> {log}"

    rule submission:
        input:
            "<results>/submission/cityscapes_test.zip",
        localrule: True


# A target for each table, one for all figures, and one for all that a single data set gives:
# snakemake table1 --cores all --resources gpu=4
for name in PLAN.tables:

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


for name, (tables, figures) in PLAN.results_by_dataset().items():

    rule:
        name:
            name
        input:
            collect("<results>/tables/{table}.{suffix}", table=tables, suffix=["tex", "csv", "md"]),
            collect("<results>/figures/{figure}.{suffix}", figure=figures, suffix=["pdf", "png", "json"]),
        localrule: True
        message:
            left_out(name, [*tables, *figures])
