-- Opens the log of a channel: reads where it ends, or begins an epoch.
-- KEYS: the log, a list of `<offset>:<milliseconds>:<message>`; its meta hash, of which
--   e is the epoch, o the offset of the last entry, r the server that continued the epoch last,
--   b the offset after which the epoch began, c when to trim by age again, a the age in ms.
-- ARGV: 1 the server's replication id, or nothing if it is not known; 2 the epoch to begin.
local log, meta = KEYS[1], KEYS[2]
local DAY = 86400000
local fields = redis.call('HMGET', meta, 'e', 'o', 'r', 'b', 'c', 'a')
local epoch, top, base = fields[1], tonumber(fields[2] or ''), tonumber(fields[4] or '0')
local check, age = tonumber(fields[5] or '0'), tonumber(fields[6] or '0')
if not epoch or not top then
    -- Without its end, nobody can say what the entries are.
    redis.call('DEL', log)
    epoch, top, base, check, age = ARGV[2], 0, 0, 0, 0
    redis.call('HSET', meta, 'e', epoch, 'o', 0, 'r', ARGV[1], 'b', 0, 'c', 0, 'a', 0)
    redis.call('PEXPIRE', meta, 7 * DAY)
elseif ARGV[1] ~= '' and fields[3] ~= ARGV[1] then
    -- Another server, or a restarted one, may lack the end: its offsets would come twice.
    epoch, base = ARGV[2], top
    redis.call('HSET', meta, 'e', epoch, 'r', ARGV[1], 'b', base)
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
