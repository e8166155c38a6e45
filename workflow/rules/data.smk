rule download:
    output:
        receipt="<data>/{dataset}/receipt.json",
    log:
        "<logs>/download/{dataset}.log",
    benchmark:
        "<benchmarks>/download/{dataset}.tsv"
    params:
        generated=generated_size,
    message:
        "download {wildcards.dataset}"
    # Shown as well as logged: the real archives take hours. tee must outlive Ctrl-C.
    shell:
        "danet download --dataset {wildcards.dataset} --profile {config[profile]} 2>&1 | tee -i {log}"


rule prepare:
    input:
        receipt="<data>/{dataset}/receipt.json",
    output:
        multiext("<data>/{dataset}/prepared/train/", "images.npy", "labels.npy", "index.json"),
        multiext("<data>/{dataset}/prepared/val/", "images.npy", "labels.npy", "index.json"),
    log:
        "<logs>/prepare/{dataset}.log",
    benchmark:
        "<benchmarks>/prepare/{dataset}.tsv"
    threads: 16
    message:
        "prepare {wildcards.dataset}"
    shell:
        "danet prepare --dataset {wildcards.dataset} --profile {config[profile]}"
        " --processes {threads} &> {log}"
