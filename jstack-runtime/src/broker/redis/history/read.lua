-- Reads a page, and where the log ends at the same moment.
-- ARGV: 3 after, before or top; 4 the reader's epoch (after); 5 its offset, or nothing for the end
--   (before); 6 the most entries; 7 the most bytes.
-- Returns the epoch, the end, where the epoch began, the offset after which the page continues,
-- whether there is more, and the entries. One that cannot be read is empty.
if ARGV[3] == 'top' then
    call('PEXPIRE', meta, age + 7 * DAY)
    return {epoch, top}
end
local more_fields = call('HMGET', meta, 'b', 'n')
local base, count = tonumber(more_fields[1] or '0'), tonumber(more_fields[2] or '0')
-- The list begins after the offset `start`, and what counts of it after `first`.
local start = top - call('LLEN', log)
local first = start
if count > 0 then first = math.max(start, top - count) end
local most, most_bytes, page, size = tonumber(ARGV[6]), tonumber(ARGV[7]), {}, 0
local more, full = 0, false
-- The age of the entry that should have this offset. Nothing for one that another program has
-- written otherwise: an entry that is too many moves those before it away from their offsets.
local function age_of(entry, offset)
    local own, at = string.match(entry, '^(%d+):(%d+):')
    return tonumber(own or '') == offset and now - tonumber(at) or nil
end
local function take(entry)
    local message = string.match(entry, '^%d+:%d+:()') or 1
    local length = #entry - message + 1
    -- The head of an envelope is not JSON.
    if string.byte(entry, message) == 1 then length = length - 18 end
    if #page > 0 and (#page >= most or size + length > most_bytes) then
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
        local chunk = call('LRANGE', log, at - start, at - start + CHUNK - 1)
        if #chunk == 0 then break end
        for _, entry in ipairs(chunk) do
            local old = age_of(entry, at + 1)
            if #page == 0 and (not old or old > age) then
                from = at + 1
            else
                take(old and entry or '')
            end
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
    local chunk = call('LRANGE', log, from - start, to - start - 1)
    for at = #chunk, 1, -1 do
        local old = age_of(chunk[at], from + at)
        if not old then
            take('')
        elseif old > age then
            full = true
        else
            take(chunk[at])
        end
        if full then break end
    end
    to = from
end
local back = {}
for at = #page, 1, -1 do back[#back + 1] = page[at] end
return {epoch, top, base, 0, more, back}
