// The client under test: creates a task in Vambe.

export async function createTask(title, { url, headers }) {
  const [maria] = await (await fetch(`${url}/api/public/team-members/all`, { headers })).json();
  const response = await fetch(`${url}/api/public/tasks`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ title, responsibleIds: [maria.id], priority: "1" }),
  });
  if (!response.ok) throw new Error(`Vambe answered ${response.status}`);
  return response.json();
}
