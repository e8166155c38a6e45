rule download:
    input:
        basis="<data_basis>/download-{dataset}",
    output:
        # update(): Snakemake does not delete it, so that what is prepared stays of use if a download fails.
        receipt=update("<data>/{dataset}/receipt.json"),
    log:
        "<data_logs>/download/{dataset}.log",
    benchmark:
        "<data_benchmarks>/download/{dataset}.tsv"
    message:
        "download {wildcards.dataset}"
    # Shown as well as logged: the real archives take hours. tee must outlive Ctrl-C.
    shell:
        "danet download --dataset {wildcards.dataset} --profile {config[profile]} --unless-current"
        " 2>&1 | tee -i {log}"


rule prepare:
    input:
        basis="<data_basis>/prepare-{dataset}",
        receipt="<data>/{dataset}/receipt.json",
    output:
        multiext("<data>/{dataset}/prepared/train/", "images.npy", "labels.npy", "index.json"),
        multiext("<data>/{dataset}/prepared/val/", "images.npy", "labels.npy", "index.json"),
    log:
        "<data_logs>/prepare/{dataset}.log",
    benchmark:
        "<data_benchmarks>/prepare/{dataset}.tsv"
    threads: 16
    message:
        "prepare {wildcards.dataset}"
    shell:
        "danet prepare --dataset {wildcards.dataset} --profile {config[profile]}"
        " --unless-current --processes {threads} &> {log}"
