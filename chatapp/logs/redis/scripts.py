"""The steps that must be one step, in Lua. They say in which order a run's log can change at all.

A run's hash has its `owner`, the process that writes it: a token that fences, because every write
compares it in the same step as it adds to the stream. `last` and `end` are seqs. Scripts derive
keys from what they find, so the log needs one Redis, not a cluster.
"""

from chatapp.logs.redis.connection import Script

CREATE = Script("""
local owner, last = unpack(redis.call('HMGET', KEYS[1], 'owner', 'last'))
if owner then return (owner == ARGV[1] and last == '0') and 1 or 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'last', '0')
redis.call('DEL', 'chatapp:events:' .. ARGV[2])
redis.call('SADD', KEYS[2], ARGV[2])
return 1
""")
"""1 if the run is new, or was made by the same call before; 0 if the id is taken. A stream without
a hash is left of a run whose hash was evicted: it begins anew. It is deleted after the first write,
since a full Redis refuses nothing more to a script that has deleted something."""

WRITE = Script("""
local replies, at, number = {}, 2, 0
while at <= #ARGV do
  local run, count = 'chatapp:run:' .. ARGV[at], tonumber(ARGV[at + 1])
  local events = 'chatapp:events:' .. ARGV[at]
  local owner, last, cancelled = unpack(redis.call('HMGET', run, 'owner', 'last', 'cancelled'))
  local status, wanted, damaged = -1, false, false
  if owner and owner ~= ARGV[1] then status = -2 end
  at = at + 2
  if owner == ARGV[1] then
    last = tonumber(last)
    local before = last
    for p = at, at + 4 * (count - 1), 4 do
      wanted = tonumber(ARGV[p + 1])
      if tonumber(ARGV[p]) == last + 1 then
        local added = redis.pcall('XADD', events, ARGV[p + 1] .. '-0', 'd', ARGV[p + 3])
        if type(added) == 'table' and added.err then
          if not (added.err:find('WRONGTYPE') or added.err:find('smaller')) then return added end
          damaged = true
          break
        end
        last = wanted
        if ARGV[p + 2] == '1' then redis.call('HSET', run, 'end', last) end
      end
    end
    if last > before then redis.call('HSET', run, 'last', last) end
    status = damaged and -3 or last
  end
  at = at + 4 * count
  if status ~= wanted or cancelled then
    replies[#replies + 1] = {number, status, cancelled and 1 or 0}
  end
  number = number + 1
end
return replies
""")
"""For each run that does not have all of its pieces now, or was cancelled: its place in the call;
the seq of the last event that it has, or -1: no such run, -2: it is another process's, -3: its
stream is not what this process wrote, as only another hand could have made it; and whether it was
cancelled. Pieces that it has already are skipped. A run without pieces is only looked at."""

SETTLE = Script("""
local owner = redis.call('HGET', KEYS[1], 'owner')
if not owner then return 0 end
redis.call('SREM', 'chatapp:runs:' .. owner, ARGV[1])
if redis.call('HSETNX', KEYS[1], 'settled', '1') == 1 then
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end
end
return 1
""")

CANCEL = Script("""
local owner, ended = unpack(redis.call('HMGET', KEYS[1], 'owner', 'end'))
if not owner then return 0 end
if not ended then
  local inbox = 'chatapp:inbox:' .. owner
  redis.call('HSET', KEYS[1], 'cancelled', '1')
  redis.call('XADD', inbox, 'MAXLEN', '~', 1000, '*', 'cancel', ARGV[1])
  redis.call('EXPIRE', inbox, 3600)  -- its owner may be gone for good
end
return 1
""")
"""0 if there is no such run. The owner hears of it twice: in its inbox, and at its next write."""

TAKE_OVER = Script("""
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[3] then return {} end
local runs = {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local run = 'chatapp:run:' .. id
  local last, ended = unpack(redis.call('HMGET', run, 'last', 'end'))
  if last then
    redis.call('HSET', run, 'owner', ARGV[2])
    redis.call('SADD', KEYS[3], id)
    runs[#runs + 1] = {id, last, ended or ''}
  end
end
redis.call('DEL', KEYS[2], 'chatapp:inbox:' .. ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
return runs
""")
"""The unsettled runs of a process that is gone, with `last` and `end`; none if its beat is another
one than was seen: then it lives, or somebody was faster."""

READERS = Script("""
if ARGV[3] == '1' then redis.call('HDEL', KEYS[1], ARGV[1]) end
local elsewhere = false
for _, process in ipairs(redis.call('HKEYS', KEYS[1])) do
  local beat = redis.call('HGET', KEYS[2], process)
  if not beat or beat == 'gone' then redis.call('HDEL', KEYS[1], process)
  elseif process ~= ARGV[1] then elsewhere = true end
end
local awaited = math.max(tonumber(redis.call('HGET', KEYS[3], 'awaited') or -1), tonumber(ARGV[2]))
if not elsewhere then return {0, awaited} end
if awaited >= 0 and redis.call('EXISTS', KEYS[3]) == 1 then redis.call('HSET', KEYS[3], 'awaited', awaited) end
return {1, awaited}
""")
"""Whether another process has readers of the run, and the newest visit that it waits for, or -1.
Those of processes that are gone are forgotten."""

LEAVE = Script("""
redis.call('DEL', 'chatapp:inbox:' .. ARGV[1])
if redis.call('SCARD', KEYS[2]) == 0 then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], 'gone') end
return 1
""")
