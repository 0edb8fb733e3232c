"""Reinforces what is rewarded, relative to the other replies to the same step: Step-GRPO, offline and online.

run.py                 puts the parts together, and hands them to TRL's trainer, which computes each group's advantages
settings.py            how: how many replies a group has, what an advantage is divided by (`scale`), the loss
reward_functions.py    what TRL calls for each group: the rewards of `train/rewards/` on its replies
rollout_*.py           online: the groups that the policy itself comes to, from walks over questions
validation.py          how good is it now? collapse.py: has it collapsed?
"""
