/**
 * The steps of the store in Redis, each of them atomic. Of a job there are its data (`jobs`), the time
 * when its lease expires (`leases`), and its holder's token (`holders`); of a finished one the key
 * that is left for a while. Times are the server's.
 *
 * @module
 */

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * A new job leaves places to those whose workers are gone: they still have a holder.
 *
 * KEYS: jobs, leases, holders, tokens, finished. ARGV: key, offer, worker, leaseMs, maxJobs (0: no limit),
 * "own" to claim once more what this worker holds.
 */
export const CLAIM: string = `${NOW}
if redis.call('EXISTS', KEYS[5]) == 1 then return {'finished'} end
local key = ARGV[1]
local endsAt = tonumber(redis.call('ZSCORE', KEYS[2], key) or 0)
local data = redis.call('HGET', KEYS[1], key)
local job = data and cjson.decode(data)
local isAgain = endsAt > now and redis.call('HEXISTS', KEYS[3], key) == 1
if isAgain and not (ARGV[6] == 'own' and job and job.workerId == ARGV[3]) then return {'held'} end
if tonumber(ARGV[5]) > 0 then
  local count = 0
  for _, other in ipairs(redis.call('HKEYS', KEYS[3])) do
    if other ~= key and (not job or tonumber(redis.call('ZSCORE', KEYS[2], other) or 0) > now) then
      count = count + 1
    end
  end
  if count >= tonumber(ARGV[5]) then return {'limit'} end
end
local attempt = (job and job.attempt or 0) + (isAgain and 0 or 1)
local token = redis.call('INCR', KEYS[4])
redis.call('ZADD', KEYS[2], now + ARGV[4], key)
redis.call('HSET', KEYS[3], key, token)
redis.call('HSET', KEYS[1], key,
  cjson.encode({ offer = ARGV[2], workerId = ARGV[3], attempt = attempt }))
return {'claimed', token, attempt}
`;

/** KEYS: leases, holders, workers, seen. ARGV: leaseMs, worker's id, worker, then a key and a token each. */
export const RENEW: string = `${NOW}
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[4], now, ARGV[2])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], 0, now - 10000)) do
  redis.call('ZREM', KEYS[4], gone)
  redis.call('HDEL', KEYS[3], gone)
end
local results = {}
for index = 4, #ARGV, 2 do
  local key = ARGV[index]
  local holder = redis.call('HGET', KEYS[2], key)
  if holder == ARGV[index + 1] then
    redis.call('ZADD', KEYS[1], now + ARGV[1], key)
    results[#results + 1] = 'held'
  elseif holder or redis.call('ZSCORE', KEYS[1], key) then
    results[#results + 1] = 'lost'
  else
    results[#results + 1] = 'unknown'
  end
end
return results
`;

/** KEYS: jobs, leases, holders, finished. ARGV: key, token, outcome, afterMs, finishedMs. */
export const RELEASE: string = `${NOW}
local key = ARGV[1]
if redis.call('HGET', KEYS[3], key) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[3], key)
if ARGV[3] == 'finished' or ARGV[3] == 'forgotten' then
  redis.call('HDEL', KEYS[1], key)
  redis.call('ZREM', KEYS[2], key)
  if ARGV[3] == 'finished' then redis.call('SET', KEYS[4], '1', 'PX', ARGV[5]) end
  return 1
end
redis.call('ZADD', KEYS[2], now + ARGV[4], key)
if ARGV[3] == 'declined' then
  local job = cjson.decode(redis.call('HGET', KEYS[1], key))
  job.attempt = job.attempt - 1
  redis.call('HSET', KEYS[1], key, cjson.encode(job))
end
return 1
`;

/** KEYS: jobs, leases, holders. ARGV: "free" or "all". Returns key, data and whether it is held, in turn. */
export const JOBS: string = `${NOW}
local last = ARGV[1] == 'free' and now or '+inf'
local results = {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', last)) do
  local job = redis.call('HGET', KEYS[1], key)
  if job then
    local isHeld = redis.call('HEXISTS', KEYS[3], key) == 1 and
      tonumber(redis.call('ZSCORE', KEYS[2], key)) > now
    results[#results + 1] = key
    results[#results + 1] = job
    results[#results + 1] = isHeld and '1' or ''
  end
end
return results
`;
