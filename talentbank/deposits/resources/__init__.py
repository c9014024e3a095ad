"""Training resources: courses, real projects, internships, mentoring."""
