"""Measures how well questions are answered: data sets, metrics, reports and audits.

run.py            answers the examples with each method, into a folder that resumes
datasets/         what was asked, and what is right? one file a published question set
gold.py           what does a data set say of the steps? answers.py: which answers does it accept?
metrics/          was it right, and at what cost? one file a metric; judge.py asks a model instead
predictions.py    how good are answers that were made elsewhere?
statistics.py     how sure is that? intervals and paired tests
audit/            was it in another knowledge base?
report/           what do the numbers say, all together?
"""
