"""Step-GRPO: questions to gold steps, steps to a trained router, the router to what is served."""
