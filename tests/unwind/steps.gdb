# Steps from the second call of `caller` to is_over, and at each instruction tells where it is and who called. A line of dots ends it. The kernel
# leaves the flag with which it steps set where the flags were restored (see tests/truth/x86_64/stepping_machine.h): so it ends there.
break caller
run
continue
# behind a trap, whose signal is the program's
if $pc == (long) &hooked + 1
  signal SIGTRAP
end
delete
while $pc != (long) &is_over
  info symbol $pc
  backtrace
  echo .....\n
  if $pc == (long) &hooked + 1
    handle SIGTRAP pass
    stepi
    handle SIGTRAP nopass
  else
    stepi
  end
end
echo the call is over\n
kill
