// Runs an onboarding with a client of openapi-generator: API=… SIMULATOR=… TOKEN=… ./onboard
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"clients/onboarding"
)

func main() {
	configuration := onboarding.NewConfiguration()
	configuration.Servers = onboarding.ServerConfigurations{{URL: os.Getenv("API")}}
	client := onboarding.NewAPIClient(configuration)
	backEnd := context.WithValue(context.Background(), onboarding.ContextAccessToken, os.Getenv("TOKEN"))

	customer := onboarding.NewClientByEmail("Nordlicht Fahrrad GmbH", "lena@nordlicht.example", "Lena Voss")
	request := onboarding.NewStartRequest("from-go", onboarding.Client{ClientByEmail: customer})
	started, _, err := client.BackEndAPI.StartOnboarding(backEnd).StartRequest(*request).Execute()
	check(err)

	// The customer: the simulator plays Meta's popup, and the page sends what came of it.
	popup, err := http.Post(os.Getenv("SIMULATOR")+"/popup", "application/json", strings.NewReader(`{"account": "one_number"}`))
	check(err)
	var code onboarding.PopupCode
	check(json.NewDecoder(popup.Body).Decode(&code))
	token := started.SetupUrl[strings.LastIndex(started.SetupUrl, ".")+1:]
	page := context.WithValue(context.Background(), onboarding.ContextAccessToken, token)
	callback := client.PageAPI.FinishSignup(page, started.Id)
	view, _, err := callback.EsCallbackRequest(onboarding.EsCallbackRequest{PopupCode: &code}).Execute()
	check(err)

	var record *onboarding.RecordWithHistory
	for record == nil || (record.Status != onboarding.READY && record.Status != onboarding.FAILED) {
		time.Sleep(time.Second)
		shown, _, err := client.BackEndAPI.ShowOnboarding(backEnd, started.Id).Execute()
		check(err)
		record = shown.RecordWithHistory
	}

	list, _, err := client.BackEndAPI.ListOnboardings(backEnd).Reference("from-go").Execute()
	check(err)
	listed, history := []string{}, []string{}
	for _, one := range list.Onboardings {
		listed = append(listed, one.Id)
	}
	for _, entry := range record.History {
		history = append(history, entry.Event.Event)
	}
	outcome := map[string]any{"id": record.Id, "status": record.Status, "view": view.Status, "history": history, "listed": listed}
	check(json.NewEncoder(os.Stdout).Encode(outcome))
}

// check ends the program. The body of a refusal is a problem with a code.
func check(err error) {
	if refusal, ok := err.(*onboarding.GenericOpenAPIError); ok {
		fmt.Fprintln(os.Stderr, string(refusal.Body()))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
