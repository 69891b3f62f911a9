-- Does once what the other scripts do, so that a missing right is noticed at the start.
call('RPUSH', log, '')
call('LRANGE', log, 0, -1)
call('LTRIM', log, -1, -1)
call('PEXPIRE', log, 1000)
call('LLEN', log)
call('DEL', log, meta)
return 0
