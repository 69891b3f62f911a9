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
-- Numbers messages of one channel, stores them, forgets what is beyond the bounds, and publishes.
-- ARGV: 3 PUBLISH or SPUBLISH; 4 the channel; 5 how many entries are kept; 6 their age in ms;
--   7 the head of a batch, or nothing for one message; then for each message its length as a batch
--   has it (nothing for one message) and the message.
-- Returns the offset of the last message.
local MOST_BYTES = 16 * 1024 * 1024
local count, keep = tonumber(ARGV[5]), tonumber(ARGV[6])
local last, length = top + 1
if #ARGV == 9 then
    -- What most calls are.
    length = call('RPUSH', log, string.format('%.0f:%.0f:', last, now) .. ARGV[9])
    bytes = bytes + #ARGV[9]
else
    local entries = {}
    last = top
    for at = 9, #ARGV, 2 do
        last = last + 1
        entries[#entries + 1] = string.format('%.0f:%.0f:', last, now) .. ARGV[at]
        bytes = bytes + #ARGV[at]
    end
    length = call('RPUSH', log, (unpack or table.unpack)(entries))
end
-- Reads skip what is too old or too much, so it is enough to forget it now and then.
if length > count + math.floor(count / 8) then
    call('LTRIM', log, -count, -1)
end
if bytes > MOST_BYTES + MOST_BYTES / 4 then
    -- What was forgotten is still counted: measured from the end.
    local kept, size, full, from = 0, 0, false, -1
    repeat
        local chunk = call('LRANGE', log, from - 31, from)
        for at = #chunk, 1, -1 do
            full = kept > 0 and size + #chunk[at] > MOST_BYTES
            if full then break end
            kept, size = kept + 1, size + #chunk[at]
        end
        from = from - 32
    until full or #chunk < 32
    if full then call('LTRIM', log, -kept, -1) end
    bytes = size
end
if now >= check or age ~= keep or length == last - top then
    local pause = math.max(math.floor(keep / 8), 100)
    local full = true
    for _ = 1, 16 do
        local old = 0
        local first = call('LRANGE', log, 0, 31)
        for _, entry in ipairs(first) do
            if now - tonumber(string.match(entry, '^%d+:(%d+):') or '0') <= keep then break end
            old = old + 1
        end
        if old > 0 then call('LTRIM', log, old, -1) end
        full = old == 32
        if not full then break end
    end
    check = full and now or now + pause
    call('HSET', meta, 'o', last, 'c', string.format('%.0f', check), 'a', keep, 'n', count, 'y', bytes)
    call('PEXPIRE', log, keep + pause + 1000)
    call('PEXPIRE', meta, keep + 7 * DAY)
else
    call('HSET', meta, 'o', last, 'y', bytes)
end
local head = '\3' .. epoch .. string.format('%016x', top + 1)
call(ARGV[3], ARGV[4], head .. table.concat(ARGV, '', 7))
return last
