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
