-- Opens the log of a channel: reads where it ends, or begins an epoch.
-- KEYS: the log, a list of `<offset>:<milliseconds>:<message>`; its meta hash, of which
--   e is the epoch, o the offset of the last entry, r the server that continued the epoch last,
--   b the offset after which the epoch began, c when to trim by age again, a the age in ms,
--   n how many entries are kept, y about how many bytes they have.
-- ARGV: 1 the server's replication id, or nothing if it is not known; 2 the epoch to begin.
local log, meta = KEYS[1], KEYS[2]
local DAY = 86400000
local call = redis.call
local fields = call('HMGET', meta, 'e', 'o', 'r', 'c', 'a', 'y')
local epoch, top, check = fields[1], tonumber(fields[2] or ''), tonumber(fields[4] or '0')
local age, bytes = tonumber(fields[5] or '0'), tonumber(fields[6] or '0')
if not epoch or not top then
    -- Without its end, nobody can say what the entries are.
    call('DEL', log)
    epoch, top, check, age, bytes = ARGV[2], 0, 0, 0, 0
    call('HSET', meta, 'e', epoch, 'o', 0, 'r', ARGV[1], 'b', 0, 'c', 0, 'a', 0)
    call('PEXPIRE', meta, 7 * DAY)
elseif ARGV[1] ~= '' and fields[3] ~= ARGV[1] then
    -- Another server, or a restarted one, may lack the end: its offsets would come twice.
    epoch = ARGV[2]
    call('HSET', meta, 'e', epoch, 'r', ARGV[1], 'b', top)
end
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
