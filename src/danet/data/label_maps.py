"""Class names, colours and label values of each data set, read from the CSV files in ``labels/``."""


def class_count(dataset: str, context_classes: int) -> int:
    return {"cityscapes": 19, "camvid": 11, "coco_stuff": 171, "pascal_context": context_classes}[dataset]
