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
-- Numbers messages of one channel, stores them, forgets what is beyond the bounds, and publishes.
-- ARGV: 3 PUBLISH or SPUBLISH; 4 the channel; 5 how many entries are kept; 6 their age in ms;
--   7 the head of a batch, or nothing for one message; then for each message its length as a batch
--   has it (nothing for one message) and the message.
local entries, last = {}, top
for at = 9, #ARGV, 2 do
    last = last + 1
    entries[#entries + 1] = string.format('%.0f:%.0f:', last, now) .. ARGV[at]
end
local length = redis.call('RPUSH', log, (unpack or table.unpack)(entries))
local was_empty = length == #entries
local count = tonumber(ARGV[5])
if length > count then
    redis.call('LTRIM', log, -count, -1)
end
local keep = tonumber(ARGV[6])
if now >= check or age ~= keep or was_empty then
    -- Reads skip what is too old, so it is enough to forget it now and then.
    local pause = math.max(math.floor(keep / 8), 100)
    local full = true
    for _ = 1, 16 do
        local old = 0
        local first = redis.call('LRANGE', log, 0, 31)
        for _, entry in ipairs(first) do
            if now - tonumber(string.match(entry, '^%d+:(%d+):')) <= keep then break end
            old = old + 1
        end
        if old > 0 then redis.call('LTRIM', log, old, -1) end
        full = old == 32
        if not full then break end
    end
    check = full and now or now + pause
    redis.call('HSET', meta, 'o', last, 'c', string.format('%.0f', check), 'a', keep)
    redis.call('PEXPIRE', log, keep + pause + 1000)
    redis.call('PEXPIRE', meta, keep + 7 * DAY)
else
    redis.call('HSET', meta, 'o', last)
end
local head = '\3' .. epoch .. string.format('%016x', top + 1)
redis.call(ARGV[3], ARGV[4], head .. table.concat(ARGV, '', 7))
return {epoch, top + 1, last}
