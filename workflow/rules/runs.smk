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
        " --profile {config[profile]} --recipe {config[recipe]} --send-later --gpus {resources.gpu} &> {log}"


# One job evaluates a network under all its protocols: there is a rule for each set of protocols.
for protocols, experiments in evaluated_together().items():

    rule:
        name:
            f"evaluate_{'_'.join(protocols)}"
        input:
            basis=collect("<basis>/evaluate-{{experiment}}-seed{{seed}}-{protocol}", protocol=protocols),
            data=prepared("val"),
            network="<results>/runs/{experiment}/seed{seed}/final.pth",
            run="<results>/runs/{experiment}/seed{seed}/run.json",
        output:
            update(collect("<results>/eval/{{experiment}}/seed{{seed}}/{protocol}.json", protocol=protocols)),
        log:
            "<logs>/evaluate/{experiment}-seed{seed}.log",
        benchmark:
            "<benchmarks>/evaluate/{experiment}-seed{seed}.tsv"
        wildcard_constraints:
            experiment="|".join(experiments),
        threads: evaluation_threads
        resources:
            gpu=shared_gpus,
            mem_mb=16000,
            runtime="12h",
        params:
            protocols=" ".join(f"--protocol {protocol}" for protocol in protocols),
        message:
            f"evaluate {{wildcards.experiment}}, seed {{wildcards.seed}}, {' and '.join(protocols)}"
        shell:
            "danet evaluate --experiment {wildcards.experiment} --seed {wildcards.seed}"
            " {params.protocols} --profile {config[profile]} --recipe {config[recipe]}"
            " --send-later &> {log}"
