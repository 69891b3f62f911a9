-- Reads a page, and where the log ends at the same moment.
-- ARGV: 3 after, before or top; 4 the reader's epoch (after); 5 its offset, or nothing for the end
--   (before); 6 the most entries; 7 the most bytes.
-- Returns the epoch, the end, where the epoch began, the offset after which the page continues,
-- whether there is more, and the entries.
if ARGV[3] == 'top' then
    redis.call('PEXPIRE', meta, age + 7 * DAY)
    return {epoch, top}
end
local first = top - redis.call('LLEN', log)
local most, bytes, page, size = tonumber(ARGV[6]), tonumber(ARGV[7]), {}, 0
local more, full = 0, false
-- Whether an entry is young enough, and takes it if there is room.
local function is_young(entry)
    return now - tonumber(string.match(entry, '^%d+:(%d+):')) <= age
end
local function take(entry)
    local message = string.match(entry, '^%d+:%d+:()')
    local length = #entry - message + 1
    -- The head of an envelope is not JSON.
    if string.byte(entry, message) == 1 then length = length - 18 end
    if #page > 0 and (#page >= most or size + length > bytes) then
        more, full = 1, true
        return
    end
    page[#page + 1] = entry
    size = size + length
end
local CHUNK = 32
if ARGV[3] == 'after' then
    local reader = tonumber(ARGV[5])
    local known = ARGV[4] == epoch and reader <= top
    local from = known and math.max(reader, first) or math.max(base, first)
    local at = from
    while at < top and not full do
        local chunk = redis.call('LRANGE', log, at - first, at - first + CHUNK - 1)
        if #chunk == 0 then break end
        for _, entry in ipairs(chunk) do
            if #page == 0 and not is_young(entry) then from = at + 1 else take(entry) end
            if full then break end
            at = at + 1
        end
    end
    return {epoch, top, base, from, more, page}
end
local to = top
if ARGV[5] ~= '' then to = math.min(tonumber(ARGV[5]) - 1, top) end
while to > first and not full do
    local from = math.max(to - CHUNK, first)
    local chunk = redis.call('LRANGE', log, from - first, to - first - 1)
    for at = #chunk, 1, -1 do
        if not is_young(chunk[at]) then full = true else take(chunk[at]) end
        if full then break end
    end
    to = from
end
local back = {}
for at = #page, 1, -1 do back[#back + 1] = page[at] end
return {epoch, top, base, 0, more, back}
