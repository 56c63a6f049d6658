"""undergoal history CHECK: what a check recorded, as plots with the forecast, in the terminal or as SVG."""
