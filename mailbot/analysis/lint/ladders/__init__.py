"""Find faults in ladders: unreachable steps, hours without anybody on duty, missing authority."""
