"""Labels for other programs and back, with all three states: present, absent, unobserved.

One format a file: ``coco`` (its reader is :mod:`..importers.coco_json`), ``huggingface``,
``label_studio``. Label files of our own are in :mod:`largeloss.labels.files`.
"""
