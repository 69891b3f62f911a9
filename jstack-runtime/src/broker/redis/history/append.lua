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
