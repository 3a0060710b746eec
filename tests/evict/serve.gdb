# gdb's side of gdb_target.c: at its breakpoint on `ask` it does what is asked. Sourced with the program started or attached to.
set $number = 0

define serve
  while $_isvoid($_exitcode) && $_isvoid($_exitsignal)
    if $pc == (unsigned long)&ask
      if *(int *)&asked == 1
        # the condition counts, and seldom holds: gdb stops, looks, and steps over
        break **(unsigned long *)&asked_address if ++*(long *)&stops < 0 || *(int *)&over_trap
        set $number = $bpnum
      end
      if *(int *)&asked == 2
        delete $number
      end
      continue
    else
      # the trap of an entry, and a breakpoint over one, as docs/callbacks.md has it
      if $pc == *(unsigned long *)&asked_address && *(int *)&over_trap
        set $pc = $pc + 1
      end
      signal SIGTRAP
    end
  end
end
