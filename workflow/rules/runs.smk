# Outputs are update(): Snakemake then never deletes one before a job, which may find it current and keep it.
rule train:
    input:
        basis="<basis>/train-{experiment}-seed{seed}",
        data=prepared("train"),
    output:
        config=update("<results>/runs/{experiment}/seed{seed}/config.yaml"),
        final=update("<results>/runs/{experiment}/seed{seed}/final.pth"),
        run=update("<results>/runs/{experiment}/seed{seed}/run.json"),
        metrics=update("<results>/runs/{experiment}/seed{seed}/metrics.jsonl"),
    log:
        "<logs>/train/{experiment}-seed{seed}.log",
    benchmark:
        "<benchmarks>/train/{experiment}-seed{seed}.tsv"
    threads: training_threads
    resources:
        gpu=training_gpus,
        mem_mb=training_memory,
        runtime="3d",
    message:
        "train {wildcards.experiment}, seed {wildcards.seed}"
    # last.pth and metrics.unfinished.jsonl are not declared: Snakemake would delete them before a resume.
    shell:
        "danet train --experiment {wildcards.experiment} --seed {wildcards.seed}"
        " --profile {config[profile]} --recipe {config[recipe]} --gpus {resources.gpu} &> {log}"


rule evaluate:
    input:
        basis="<basis>/evaluate-{experiment}-seed{seed}-{protocol}",
        data=prepared("val"),
        network="<results>/runs/{experiment}/seed{seed}/final.pth",
        run="<results>/runs/{experiment}/seed{seed}/run.json",
    output:
        update("<results>/eval/{experiment}/seed{seed}/{protocol}.json"),
    log:
        "<logs>/evaluate/{experiment}-seed{seed}-{protocol}.log",
    benchmark:
        "<benchmarks>/evaluate/{experiment}-seed{seed}-{protocol}.tsv"
    threads: evaluation_threads
    resources:
        gpu=1,
        mem_mb=16000,
        runtime="12h",
    message:
        "evaluate {wildcards.experiment}, seed {wildcards.seed}, {wildcards.protocol}"
    shell:
        "danet evaluate --experiment {wildcards.experiment} --seed {wildcards.seed}"
        " --protocol {wildcards.protocol} --profile {config[profile]} --recipe {config[recipe]} &> {log}"
