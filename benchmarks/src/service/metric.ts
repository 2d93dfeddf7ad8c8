/** What a process's own metrics say. @param label among its labels, such as `state="exported"` @throws Error if it has none such */
export async function metricOf(url: string, name: string, label = ''): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = new RegExp(`^${name}\\b.*${label}.* (\\S+)$`, 'm').exec(text);
  if (line === null) throw new Error(`${url}/metrics has no ${name} ${label}`);
  return Number(line[1]);
}
